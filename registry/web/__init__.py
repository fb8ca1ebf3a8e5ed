"""Server-rendered pages for people who manage and look up."""
