"""From a file, a picture or a code to the evidence inside it. Everything read is hostile."""
