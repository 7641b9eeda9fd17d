"""The commands of kioskd-hub. Here, and nowhere else in sync, rich may be used."""
