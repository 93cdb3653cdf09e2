"""Logs that dead daemons left: read, ended and released, while another daemon writes its own."""
