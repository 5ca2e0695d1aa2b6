"""The outbox: pages on the disk until they are delivered, so that neither a crash nor a lost network
loses one, and none needs the database."""
