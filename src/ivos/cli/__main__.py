"""``python -m ivos.cli``, where the ``ivos`` script is not on the path."""

import sys

from ivos.cli import main

sys.exit(main())
