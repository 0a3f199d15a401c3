"""The adapter as a process: commands on standard input, answers on standard output, one JSON object a line."""

import json
import sys

from adapter import Adapter

if __name__ == "__main__":
    made = Adapter(" ".join(sys.argv[1:]))
    for line in sys.stdin:
        print(json.dumps(made.answer(json.loads(line))), flush=True)
