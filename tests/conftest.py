"""For every test: no deadline, because a test never judges how long something took."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
