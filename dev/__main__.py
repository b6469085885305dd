"""`python dev COMMAND`: what the launchers beside this file run."""

import sys

from sandbox.cli import main

sys.exit(main(sys.argv[1:]))
