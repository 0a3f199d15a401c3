"""An implementation behind the boundary of refmodel: a starting point that already runs.

Every command of the boundary is one call of ``answer`` with a dict, and every answer is a dict: the objects of
boundary.schema.json.  As it stands, this adapter keeps pages in a dict, swaps nothing, and says so.  Put your
implementation behind the methods, then say in ``HELLO`` what else it can do and tell:

    post       the state of each page, e.g. {"st": "swap", "swp": "unknown", "swcache": 0}; level data
    counters   values since the reset, e.g. {"vm.zswpout": 1}; names them in HELLO too; level counters
    events     what happened inside, e.g. {"ev": "compress", "slen": 4096, "dlen": 900, "ret": 0}; level events

Whatever you leave out, or answer with "unknown", is neither right nor wrong.  Compressed lengths, which slot a
page gets and whether an injected failure happened are yours to decide: the model takes them from your answers.
"""

import functools
import zlib

HELLO = {
    "boundary": 1,
    "name": "adapter",
    "profile": "linux-7.3",  # the kernel that you want to behave like; refmodel profiles lists them
    "workers": 1,
    "pages": 8,
    "slots": 64,
    "commands": ["write", "dirty", "read", "out", "free"],
    "counters": [],
    "events": [],
}

PAGE = 4096
MASK = (1 << 64) - 1
WORDS = "swap page node entry folio queue batch store load tree slot cgroup worker device zone list"


class Adapter:
    """One method a command; ``answer`` finds it by its name."""

    def __init__(self, words=""):
        self.words = words  # what followed the name of the target on the command line
        self.pages = {}

    def answer(self, command):
        fields = getattr(self, command["op"])(command)
        return fields if command["op"] == "hello" else {"i": command["i"], "errno": 0, **fields}

    def hello(self, command):
        return HELLO

    def reset(self, command):
        self.pages = {}
        return {"counters": {}}

    def write(self, command):
        self.pages[command["page"]] = page(command["kind"], command["seed"], command.get("len", PAGE))
        return {}

    def dirty(self, command):
        content = bytearray(self.pages.get(command["page"], bytes(PAGE)))
        content[command["off"]] = command["val"]
        self.pages[command["page"]] = bytes(content)
        return {}

    def read(self, command):
        return {"crc": zlib.crc32(self.pages.get(command["page"], bytes(PAGE)))}

    def out(self, command):
        # Swap out pages command["page"] to command["page"] + command.get("n", 1) - 1 here.
        return {}

    def free(self, command):
        for number in range(command["page"], command["page"] + command.get("n", 1)):
            self.pages.pop(number, None)
        return {}


def splitmix64(state):
    """Yield the words that pages are made of."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        word = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & MASK
        word = ((word ^ word >> 27) * 0x94D049BB133111EB) & MASK
        yield word ^ word >> 31


@functools.lru_cache(maxsize=256)
def page(kind, seed, length):
    """Return the 4096 bytes that a write names."""
    words = splitmix64(seed)
    if kind == "zero":
        return bytes(PAGE)
    if kind == "text":
        text = ""
        while len(text) < PAGE:
            text += WORDS.split()[next(words) & 15] + " "
        return text[:PAGE].encode()
    if kind in ("same", "nsame"):
        content = bytearray(next(words).to_bytes(8, "little") * (PAGE // 8))
        content[-8] ^= kind == "nsame"
        return bytes(content)
    length = PAGE if kind == "rand" else length
    return b"".join(next(words).to_bytes(8, "little") for _ in range(length // 8)).ljust(PAGE, b"\0")
