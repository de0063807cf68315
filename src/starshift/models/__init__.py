"""Networks as sentences made of blocks, and the classical models beside them; nothing is imported until used."""
