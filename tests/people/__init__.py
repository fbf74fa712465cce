"""Tests of what is done with people and their data: renamed, removed, restored, removed for good."""
