/*
 * adapter.c: an implementation behind the boundary of refmodel, as a starting point that already runs.
 *
 * Every command is one call of refmodel_answer with a JSON object, and every answer is one: those of
 * boundary.schema.json. As it stands, this adapter keeps eight pages in an array, swaps nothing, and says
 * so. Put your implementation where the comments say, then add to the answer what it can tell:
 *
 *     "post"      the state of each page, {"st":"swap","swp":"unknown","swcache":0}; level data
 *     "counters"  values since the reset, {"vm.zswpout":1}; name them in the hello, too; level counters
 *     "events"    what happened inside, {"ev":"compress","slen":4096,"dlen":900,"ret":0}; level events
 *
 * Whatever is left out, or "unknown", is neither right nor wrong. Compressed lengths, which slot a page gets
 * and whether an injected failure happened are yours to decide: the model takes them from your answers.
 */
#include "refmodel.h"

static unsigned char pages[8][REFMODEL_PAGE];

static const char *const hello = "{\"boundary\":1,\"name\":\"adapter.c\",\"profile\":\"linux-7.3\","
	"\"workers\":1,\"pages\":8,\"slots\":64,\"commands\":[\"write\",\"dirty\",\"read\",\"out\",\"free\"],"
	"\"counters\":[],\"events\":[]}";

int refmodel_start(const char *words)
{
	(void)words; /* what followed the name of the target on the command line */
	return 0;
}

int refmodel_answer(const char *command, char *answer, size_t size)
{
	long page = refmodel_number(command, "page", 0), nr = refmodel_number(command, "n", 1);
	long number = refmodel_number(command, "i", 0);
	int length;

	if (refmodel_is(command, "op", "hello"))
		return snprintf(answer, size, "%s", hello) < (int)size ? 0 : -1;
	if (refmodel_is(command, "op", "reset"))
		memset(pages, 0, sizeof(pages));
	else if (refmodel_is(command, "op", "write"))
		refmodel_fill(command, pages[page]);
	else if (refmodel_is(command, "op", "dirty"))
		pages[page][refmodel_number(command, "off", 0)] = (unsigned char)refmodel_number(command, "val", 0);
	else if (refmodel_is(command, "op", "out"))
		; /* swap pages page to page + nr - 1 out here */
	else if (refmodel_is(command, "op", "free"))
		memset(pages[page], 0, (size_t)nr * REFMODEL_PAGE);
	if (refmodel_is(command, "op", "read"))
		length = snprintf(answer, size, "{\"i\":%ld,\"errno\":0,\"crc\":%u}", number, refmodel_crc(pages[page]));
	else
		length = snprintf(answer, size, "{\"i\":%ld,\"errno\":0,\"counters\":{}}", number);
	return length < (int)size ? 0 : -1;
}
