#include "cli/completion.h"

#include "base/bytes.h"

#include <algorithm>
#include <initializer_list>
#include <set>

namespace kumo::cli {
namespace {

constexpr std::string_view kProgram = "kumosearch-cli";

/// In single quotes, as all three shells read them but for a quote in fish.
std::string quoted(std::string_view text, bool fish = false) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') {
            out += fish ? "\\'" : "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

std::string concat(std::initializer_list<ByteView> pieces) {
    std::string out;
    for (const ByteView piece : pieces) {
        out += piece;
    }
    return out;
}

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        out += (out.empty() ? "" : " ") + word;
    }
    return out;
}

std::string first_word(const std::string& name) {
    return name.substr(0, name.find(' '));
}

std::string rest_of(const std::string& name) {
    const std::size_t space = name.find(' ');
    return space == std::string::npos ? "" : name.substr(space + 1);
}

/// First words, each once, in their order.
std::vector<std::string> words_of(const std::vector<CommandHelp>& commands) {
    std::vector<std::string> out;
    for (const CommandHelp& command : commands) {
        const std::string word = first_word(command.name);
        if (!word.empty() && std::find(out.begin(), out.end(), word) == out.end()) {
            out.push_back(word);
        }
    }
    return out;
}

/// Second words behind a first one.
std::vector<std::string>
words_behind(const std::vector<CommandHelp>& commands, const std::string& word) {
    std::vector<std::string> out;
    for (const CommandHelp& command : commands) {
        if (first_word(command.name) != word) {
            continue;
        }
        if (std::string rest = rest_of(command.name); !rest.empty()) {
            out.push_back(std::move(rest));
        }
    }
    return out;
}

std::vector<std::string> names_of(const std::vector<OptionHelp>& options) {
    std::vector<std::string> out;
    out.reserve(options.size());
    for (const OptionHelp& option : options) {
        out.push_back(option.name);
    }
    return out;
}

/// What may follow an option, as bash takes it.
std::string bash_values(const std::vector<CommandHelp>& commands) {
    std::string out;
    std::set<std::string> seen;
    for (const CommandHelp& command : commands) {
        for (const OptionHelp& option : command.options) {
            if (!option.takes_value || !seen.insert(option.name).second) {
                continue;
            }
            out += "        " + option.name + ") ";
            if (!option.choices.empty()) {
                out += "COMPREPLY=($(compgen -W " + quoted(join(option.choices)) + " -- \"$cur\"))";
            } else if (option.takes_file) {
                out += "COMPREPLY=($(compgen -f -- \"$cur\"))";
            } else {
                out += "COMPREPLY=()";
            }
            out += "; return ;;\n";
        }
    }
    return out;
}

std::string bash_script(const std::vector<CommandHelp>& commands) {
    std::string everywhere;
    std::string cases;
    for (const CommandHelp& command : commands) {
        if (command.name.empty()) {
            everywhere = join(names_of(command.options));
            continue;
        }
        const std::string options = quoted(join(names_of(command.options)));
        cases += concat({"        ", quoted(command.name), ") words=", options, "; files="});
        cases += command.takes_file ? "1 ;;\n" : " ;;\n";
    }
    for (const std::string& word : words_of(commands)) {
        const auto behind = words_behind(commands, word);
        if (!behind.empty()) {
            cases += concat({"        ", quoted(word), ") words=", quoted(join(behind)), " ;;\n"});
        }
    }
    return "# bash completion for " + std::string(kProgram) + R"(
_kumosearch_cli() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local command= words= files= i word
    COMPREPLY=()
    case $prev in
)" + bash_values(commands)
           + R"(    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case "$command $word" in
)" +
           [&] {
               std::string known;
               for (const std::string& word : words_of(commands)) {
                   known += concat({"            ' ", word, "') command=", quoted(word), " ;;\n"});
                   for (const std::string& second : words_behind(commands, word)) {
                       const std::string both = quoted(concat({word, " ", second}));
                       known += concat({"            ", both, ") command=", both, " ;;\n"});
                   }
               }
               return known;
           }()
           + R"(        esac
    done
    case $command in
        '') words=)"
           + quoted(join(words_of(commands))) + R"( ;;
)" + cases + R"(    esac
    if [[ $cur == -* ]]; then
        words="$words )"
           + everywhere + R"("
    fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    if [[ $files && $cur != -* ]]; then
        COMPREPLY+=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _kumosearch_cli )"
           + std::string(kProgram) + "\n";
}

/// zsh reads '[', ']' and ':' in a description as its own.
std::string zsh_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '[' || c == ']' || c == ':' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out;
}

std::string zsh_options(const std::vector<OptionHelp>& options) {
    std::string out;
    for (const OptionHelp& option : options) {
        std::string spec = option.name + "[" + zsh_text(option.help) + "]";
        if (!option.choices.empty()) {
            spec += ":value:(" + join(option.choices) + ")";
        } else if (option.takes_value) {
            spec += option.takes_file ? ":file:_files" : ":value: ";
        }
        out += " \\\n                " + quoted(spec);
    }
    return out;
}

std::string zsh_script(const std::vector<CommandHelp>& commands) {
    std::string everywhere;
    std::string list;
    std::string cases;
    for (const CommandHelp& command : commands) {
        if (command.name.empty()) {
            everywhere = zsh_options(command.options);
        }
    }
    for (const std::string& word : words_of(commands)) {
        const auto behind = words_behind(commands, word);
        std::string help;
        std::string options;
        for (const CommandHelp& command : commands) {
            if (first_word(command.name) == word) {
                help = help.empty() ? command.help : help;
                options += zsh_options(command.options);
            }
        }
        list += concat({"        ", quoted(concat({word, ":", zsh_text(help)})), "\n"});
        cases += concat({"        ", word, ")\n            _arguments", options, everywhere});
        if (!behind.empty()) {
            cases += concat({" \\\n                '1:command:(", join(behind), ")'"});
        }
        cases += " \\\n                '*:file:_files' ;;\n";
    }
    return "#compdef " + std::string(kProgram) + R"(
_kumosearch_cli() {
    local -a commands
    commands=(
)" + list + R"(    )
    if (( CURRENT == 2 )); then
        _describe command commands
        _arguments)"
           + everywhere + R"(
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
)" + cases + R"(    esac
}
_kumosearch_cli "$@"
)";
}

std::string fish_options(const std::vector<OptionHelp>& options, const std::string& condition) {
    std::string out;
    for (const OptionHelp& option : options) {
        out += concat({"complete -c ", kProgram, condition, " -l ", option.name.substr(2)});
        if (!option.choices.empty()) {
            out.append(" -x -a ").append(quoted(join(option.choices), true));
        } else if (option.takes_value) {
            out += option.takes_file ? " -r -F" : " -x";
        }
        out += concat({" -d ", quoted(option.help, true), "\n"});
    }
    return out;
}

std::string fish_script(const std::vector<CommandHelp>& commands) {
    const std::string complete = "complete -c " + std::string(kProgram);
    std::string out = "# fish completion for " + std::string(kProgram) + "\n" + complete + " -f\n";
    std::set<std::string> seen;
    for (const CommandHelp& command : commands) {
        const std::string word = first_word(command.name);
        const std::string second = rest_of(command.name);
        if (word.empty()) {
            out += fish_options(command.options, "");
            continue;
        }
        if (seen.insert(word).second) {
            out += concat(
                {complete,
                 " -n __fish_use_subcommand -a ",
                 word,
                 " -d ",
                 quoted(command.help, true),
                 "\n"}
            );
        }
        const std::string condition = concat({" -n '__fish_seen_subcommand_from ", word, "'"});
        if (!second.empty()) {
            out += concat({complete, condition, " -a ", second, "\n"});
        }
        if (command.takes_file) {
            out += concat({complete, condition, " -F\n"});
        }
        out += fish_options(command.options, condition);
    }
    return out;
}

}  // namespace

std::string completion_script(Shell shell, const std::vector<CommandHelp>& commands) {
    switch (shell) {
        case Shell::kBash: return bash_script(commands);
        case Shell::kZsh: return zsh_script(commands);
        case Shell::kFish: return fish_script(commands);
    }
    return {};
}

}  // namespace kumo::cli
