"""From other people's files to editions, with a report that names sheet, row and column."""
