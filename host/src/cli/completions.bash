
# Bash splits words at `:` and `=` too (COMP_WORDBREAKS), which belong to names as `registry.example.org/lab:1` and to `--with=LIB`.
# The words are put together again for who completes them; of what comes back Bash wants what is behind the last of these.
_orchestrator() {
    local -a words=()
    local line=$COMP_LINE last=-1 cword=0 kept= at word
    for at in "${!COMP_WORDS[@]}"; do
        word=${COMP_WORDS[at]}
        if [[ $at -gt 0 && -n $line && $line != [[:blank:]]* && ( $word == *[:=] || ${COMP_WORDS[at - 1]} == *[:=] ) ]]; then
            [[ $at -eq $COMP_CWORD ]] && kept=${words[last]}
            words[last]+=$word
        else
            words[++last]=$word
        fi
        if [[ $at -eq $COMP_CWORD ]]; then
            cword=$last
            # Nothing is begun behind one of these.
            [[ $word == [:=] ]] && kept=${words[last]}
            words[last]=$kept$2
        fi
        line=${line#"${line%%[![:blank:]]*}"}
        line=${line#"$word"}
    done
    local -a COMP_WORDS=("${words[@]}")
    local COMP_CWORD=$cword
    _clap_complete_orchestrator "$1" "$kept$2" "$3"
    COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}
