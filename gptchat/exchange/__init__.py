"""Import and export: readers and writers for the files of gptchat and of other programs."""
