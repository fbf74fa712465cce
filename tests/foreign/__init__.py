"""Tests of what is read in a child process."""
