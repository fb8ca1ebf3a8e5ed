"""Entry points without logic of their own, and the tools of the build."""
