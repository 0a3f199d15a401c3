/* stdio.c: makes a program that speaks the boundary on its standard streams out of refmodel.h's functions. */
#include "refmodel.h"

int main(int argc, char **argv)
{
	static char line[1 << 16], answer[1 << 20];

	if (refmodel_start(argc > 1 ? argv[1] : "")) {
		fprintf(stderr, "%s: unknown words\n", argv[1]);
		return 2;
	}
	while (fgets(line, sizeof(line), stdin)) {
		if (refmodel_answer(line, answer, sizeof(answer)))
			return 1;
		puts(answer);
		fflush(stdout);
	}
	return 0;
}
