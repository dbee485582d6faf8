"""What the nox sessions need beyond nox: the workspace as data, releases, compatibility, the documentation."""
