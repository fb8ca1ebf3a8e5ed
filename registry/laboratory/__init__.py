"""What people and machines of a laboratory do with certificates, over the API and on the pages."""
