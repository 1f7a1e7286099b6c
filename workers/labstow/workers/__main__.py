"""`python -m labstow.workers resource history`."""

import sys

from labstow.workers.main import KINDS, main

main(sys.argv[1:] or list(KINDS))
