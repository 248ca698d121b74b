"""Print the OpenAPI document of the HTTP API: ``python -m tunespace.server.openapi``."""

import json
import sys

from tunespace.server.app import openapi_document

if __name__ == "__main__":
    sys.stdout.write(json.dumps(openapi_document(), indent=1, sort_keys=True) + "\n")
