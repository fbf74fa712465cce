"""What the offline demo says, in English and in Chinese: its rules, its few facts about itself, its tour."""
