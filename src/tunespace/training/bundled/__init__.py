"""The pipeline that builds the bundled model ``tunespace-small``."""
