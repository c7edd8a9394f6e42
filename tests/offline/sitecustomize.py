"""Python imports this at its start when the folder is on PYTHONPATH, before a system's file of the same name.

So the processes that tests start are offline too.
"""

import offline  # noqa: F401
