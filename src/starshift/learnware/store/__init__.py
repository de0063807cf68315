"""Where learnwares are kept, found by name, and handed on: a folder, a team's database, a server, a registry."""
