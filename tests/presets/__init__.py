"""Tests of presets, of commands of the user's own, and of /compact and /continue."""
