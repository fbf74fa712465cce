"""The completion scripts for bash, zsh and fish: each asks the program itself, so that it never goes stale.

A script runs `gptchat` with the shell's name in `_GPTCHAT_COMPLETE` and the words up to the cursor as arguments.
The program prints one candidate a line, with a tab and a note behind it where there is one. The lines `:files`
and `:nospace` say that files are possible here, and that a candidate is not a whole word yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

VARIABLE = "_GPTCHAT_COMPLETE"

# bash splits words at `=` and `:` and replaces only what follows; COMP_LINE has them whole, in characters.
_BASH = r"""# gptchat's completion for bash. For ~/.bashrc:  eval "$(gptchat --completion bash)"
_gptchat_complete() {
    local text note nospace= files= cur="${COMP_WORDS[COMP_CWORD]}"
    case "$COMP_WORDBREAKS" in *"$cur"*) cur= ;; esac
    COMPREPLY=()
    while IFS=$'\t' read -r text note; do
        case "$text" in
            :nospace) nospace=1 ;;
            :files) files=1 ;;
            *) case "$cur" in \"* | \'*) ;; *) printf -v text %q "$text" ;; esac; COMPREPLY+=("$text") ;;
        esac
    done < <(_GPTCHAT_COMPLETE=bash _GPTCHAT_BREAKS="$COMP_WORDBREAKS" \
        "$1" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    compopt -o nosort 2>/dev/null
    if [ -n "$files" ]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r text; do COMPREPLY+=("$text"); done < <(compgen -f -- "$cur")
    fi
    if [ -n "$nospace" ]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _gptchat_complete gptchat
"""

_ZSH = r"""#compdef gptchat
# gptchat's completion for zsh. For ~/.zshrc, behind compinit:  eval "$(gptchat --completion zsh)"
_gptchat() {
    local line text note files nospace
    local -a texts shown
    for line in "${(@f)$(_GPTCHAT_COMPLETE=zsh ${words[1]} "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        text="${line%%$'\t'*}" note="${line#*$'\t'}"
        case "$text" in
            '') ;;
            :files) files=1 ;;
            :nospace) nospace=1 ;;
            *) texts+=("$text"); [[ "$line" == *$'\t'* ]] && shown+=("$text  -- $note") || shown+=("$text") ;;
        esac
    done
    if (( $#texts )); then
        local -a how=(-V gptchat -d shown)
        [[ -n "$nospace" ]] && how+=(-S '')
        compadd -l "${how[@]}" -a texts
    fi
    if [[ -n "$files" ]]; then compset -P '*=' ; compset -P '@'; _files; fi
}
if [ "$funcstack[1]" = _gptchat ]; then _gptchat "$@"; else compdef _gptchat gptchat; fi
"""

_FISH = r"""# gptchat's completion for fish. For ~/.config/fish/config.fish:  gptchat --completion fish | source
function __gptchat_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for line in (_GPTCHAT_COMPLETE=fish $before[1] $before[2..-1] "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (string replace -r '^(--[a-z-]+=|@)' '' -- $current)
            case :nospace
            case '*'
                echo -- $line
        end
    end
end
complete -c gptchat -f -k -a '(__gptchat_complete)'
"""

SCRIPTS: Final[Mapping[str, str]] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
"""The script for each shell; a person's shell runs it once when it starts."""
