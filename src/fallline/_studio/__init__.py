"""The studio: a page on this machine in which every run can be touched; ``fallline studio`` serves it."""
