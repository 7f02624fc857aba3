#include "mutant_row.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kumo::sim {

namespace {

constexpr const char* kSeed = "seed ";
constexpr const char* kCaught = "caught ";

std::string read_all(int pipe) {
    std::string all;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t got = ::read(pipe, buffer.data(), buffer.size());
        if (got > 0) {
            all.append(buffer.data(), static_cast<std::size_t>(got));
        } else if (got == 0 || errno != EINTR) {
            return all;
        }
    }
}

/// The line that begins so and comes last, without its beginning.
std::string last_line(const std::string& text, const std::string& beginning) {
    const std::size_t found = text.rfind("\n" + beginning);
    if (found == std::string::npos) {
        return {};
    }
    const std::size_t begin = found + 1 + beginning.size();
    return text.substr(begin, text.find('\n', begin) - begin);
}

/// How the process ended, if it did not report anything itself.
std::string symptom_of(const std::string& said, int status) {
    std::string caught = last_line(said, kCaught);
    if (!caught.empty() || !WIFSIGNALED(status) || WTERMSIG(status) == SIGXCPU) {
        return caught;
    }
    const std::string assertion = last_line(said, "kumosearch: ");
    return assertion.empty() ? "ended by signal " + std::to_string(WTERMSIG(status))
                             : assertion.substr(0, assertion.find(" at "));
}

}  // namespace

void RowReport::begin_seed(std::uint64_t seed) const {
    write(kSeed + std::to_string(seed));
}

void RowReport::caught(const std::string& symptom) const {
    write(kCaught + symptom);
}

void RowReport::write(const std::string& line) const {
    const std::string text = "\n" + line + "\n";
    if (::write(pipe_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        std::abort();  // Nobody listens.
    }
}

RowResult run_row(const std::function<void(const RowReport&)>& work) {
    const auto begin = std::chrono::steady_clock::now();
    std::array<int, 2> ends{};
    (void)std::fflush(stdout);
    if (::pipe(ends.data()) != 0) {
        return {};
    }
    const pid_t child = ::fork();
    if (child == 0) {
        (void)::close(ends[0]);
        (void)::dup2(ends[1], STDERR_FILENO);  // Where assertions speak.
        const rlimit processor{kRowSeconds, kRowSeconds + 1};
        (void)::setrlimit(RLIMIT_CPU, &processor);
        work(RowReport(ends[1]));
        ::_exit(EXIT_SUCCESS);
    }
    (void)::close(ends[1]);
    const std::string said = read_all(ends[0]);
    (void)::close(ends[0]);
    int status = 0;
    (void)::waitpid(child, &status, 0);
    RowResult result;
    result.symptom = symptom_of(said, status);
    result.seeds = std::strtoull(last_line(said, kSeed).c_str(), nullptr, 10);
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return result;
}

std::string table_row(
    const std::string& simulator,
    const std::string& rule,
    const std::string& mutant,
    const RowResult& row
) {
    std::array<char, 400> line{};
    (void)std::snprintf(
        line.data(),
        line.size(),
        "%-11s | %-54s | %-24s | %-3s | %6llu | %5.1f | %s\n",
        simulator.c_str(),
        rule.c_str(),
        mutant.c_str(),
        row.symptom.empty() ? "NO" : "yes",
        static_cast<unsigned long long>(row.seeds),
        row.seconds,
        row.symptom.c_str()
    );
    return line.data();
}

}  // namespace kumo::sim
