"""The application with which laboratories and authorities issue, anchor and manage evidence."""
