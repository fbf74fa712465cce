"""What a person sees in real terminals: tmux, xterm.js with three tables of widths, and pyte."""
