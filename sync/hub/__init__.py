"""kioskd-hub, the server beside the ILS. Only its command's name exists in this version."""
