// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "report.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace tree_search {

/// What the walker sends: some files at a time, because a message may cost a wake-up, and the
/// search of a small file costs hardly more.
using path_batch = std::vector<std::string>;

/// Finds the regular files below the paths of the command line and sends their names.
///
/// Symbolic links are followed where the user named them and nowhere below, so there are no cycles.
/// Devices, pipes and sockets are never opened: that could wait for ever.
class tree_walker {
 public:
  tree_walker(roost::sender<path_batch> files, reporter& results)
      : files_(std::move(files)),
        results_(results) {}

  void walk(const std::vector<std::string>& paths) {
    for (const std::string& path : paths)
      if (!visit_named(path))
        return;
    send_batch();
  }

 private:
  // Functions that return a bool: false when no searcher is left that would take a file.

  bool visit_named(const std::string& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (is_directory(status)) {
      pending_.push_back(without_slashes(path));
      return walk_pending();
    }
    if (is_regular_file(status))
      return add(path);
    complain(path, exists(status) ? "not a regular file or directory" : error.message());
    return true;
  }

  // Depth first, with one directory open at a time however deep the tree is.
  bool walk_pending() {
    while (!pending_.empty()) {
      const std::string directory = std::move(pending_.back());
      pending_.pop_back();
      if (!list(directory))
        return false;
    }
    return true;
  }

  bool list(const std::string& directory) {
    std::error_code error;
    std::filesystem::directory_iterator entry(directory, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
      if (!visit(*entry))
        return false;
    if (error)
      complain(directory, error.message());
    return true;
  }

  bool visit(const std::filesystem::directory_entry& entry) {
    std::error_code error; // possible if the directory does not tell the types of its entries
    const std::string& path = entry.path().native();
    if (entry.is_symlink(error))
      return true;
    if (!error && entry.is_directory(error))
      pending_.push_back(path);
    else if (!error && entry.is_regular_file(error))
      return add(path);
    if (error && error != std::errc::no_such_file_or_directory)
      complain(path, error.message());
    return true;
  }

  // A batch is a small part of all files found so far, so that no searcher is left with a large one
  // in the end. If the channel is empty, a searcher may be waiting, and the batch goes at once.
  bool add(const std::string& path) {
    batch_.push_back(path);
    ++found_;
    const std::size_t enough = std::clamp<std::size_t>(found_ / 32, 1, 64);
    return (batch_.size() < enough && files_.size() > 0) || send_batch();
  }

  bool send_batch() {
    if (batch_.empty())
      return true;
    const bool sent(files_.send(std::move(batch_)));
    batch_.clear();
    return sent;
  }

  void complain(const std::string& path, const std::string& what) {
    results_.complain(path, what);
    results_.hand_over();
  }

  // grep prints "dir/file" for the path "dir/", too
  static std::string without_slashes(std::string path) {
    while (path.size() > 1 && path.back() == '/')
      path.pop_back();
    return path;
  }

  roost::sender<path_batch> files_;
  reporter& results_;
  path_batch batch_;
  std::size_t found_ = 0;
  std::vector<std::string> pending_; // directories found and not listed yet
};

} // namespace tree_search
