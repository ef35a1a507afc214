"""Networks that have a name: trained ones, shipped as files, and synthetic ones."""
