#pragma once

#include <gtest/gtest.h>

#include <string>

#include <unistd.h>

namespace kumo::cli {

/// The path of a file that no other test process uses, also not one of another build.
inline std::string temporary_path(const std::string& name) {
    return testing::TempDir() + "kumosearch_cli_" + name + "_" + std::to_string(getpid());
}

}  // namespace kumo::cli
