"""The texts of the offline demo in English and Chinese: rules, facts about the program, Markdown tour."""
