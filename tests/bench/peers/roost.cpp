// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/posix.hpp>

#include "bench/peer.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

template <class T>
roost::channel_ends<T> make_channel(std::size_t capacity) {
  if (capacity == bench::unbounded)
    return roost::make_channel<T>(roost::unbounded);
  return roost::make_channel<T>(capacity);
}

struct peer {
  class crew {
   public:
    template <class F>
    void start(F f) {
      scope_.spawn(std::move(f));
    }

   private:
    roost::task_scope scope_;
  };

  template <class T>
  class channel {
   public:
    explicit channel(std::size_t capacity) : ends_(make_channel<T>(capacity)) {}

    struct sending {
      roost::sender<T> tx;
      void send(T&& item) const { bench::check(bool(tx.send(std::move(item))), "not sent"); }
    };
    sending sender() const { return {ends_.tx}; }
    roost::receiver<T> receiver() const { return ends_.rx; }
    void close(std::size_t /*receivers*/) const { ends_.tx.close(); }

   private:
    roost::channel_ends<T> ends_;
  };

  class channel_set {
   public:
    channel_set(std::size_t count, std::size_t capacity) {
      for (std::size_t i = 0; i < count; ++i)
        ends_.push_back(make_channel<std::int64_t>(capacity));
    }
    void send(std::size_t channel, std::int64_t item) const {
      bench::check(bool(ends_[channel].tx.send(item)), "not sent");
    }

    class sending;
    class receiving;
    sending sender() const;
    receiving receiver() const;

   private:
    std::vector<roost::channel_ends<std::int64_t>> ends_;
  };

  class socket_reader {
   public:
    explicit socket_reader(int fd) : fd_(fd) {}
    ssize_t read(char* data, std::size_t size) const {
      roost::wait_readable(fd_);
      return ::read(fd_, data, size);
    }

   private:
    int fd_;
  };

  class descriptor_set {
   public:
    explicit descriptor_set(const std::vector<int>& fds) {
      for (const int fd : fds)
        all_.add(roost::on_readable(fd));
    }
    std::size_t wait() { return all_.select() - 1; }

   private:
    roost::selector all_;
  };

  template <class F>
  static void spawn_join(F task) {
    roost::task_scope scope;
    scope.spawn(task);
  }

  class scope {
   public:
    template <class F>
    void spawn_all(std::size_t count, F task) {
      for (std::size_t i = 0; i < count; ++i)
        scope_.spawn(task);
      bench::check(scope_.wait_for(std::chrono::hours(1)), "a task does not end");
    }

   private:
    roost::task_scope scope_;
  };

  template <class F>
  static void run_limited(std::size_t count, std::size_t limit, F task) {
    roost::task_scope scope({.limit = limit});
    for (std::size_t i = 0; i < count; ++i)
      scope.spawn(task);
  }

  template <class F, class G>
  static void both(const F& f, const G& g) {
    (void)roost::when_all(f, g);
  }

  using wait_group = roost::wait_group;

  class semaphore {
   public:
    void acquire_and_release() { const auto permit = semaphore_.acquire(); }

   private:
    roost::semaphore semaphore_{1};
  };

  using around_loops = roost::task_scope; // as in most programs; other peers have a pool anyway
  template <class F>
  static void for_each(std::vector<double>& values, F f) {
    roost::for_each(values, f);
  }
  template <class F>
  static std::vector<double> transform(const std::vector<double>& values, F f) {
    return roost::transform(values, f);
  }

  class blocked_tasks {
   public:
    blocked_tasks(std::size_t count, std::atomic<std::size_t>& entered) {
      scope_.emplace();
      for (std::size_t i = 0; i < count; ++i) {
        scope_->spawn([this, &entered] {
          ++entered;
          (void)channel_.rx.receive();
        });
      }
    }
    ~blocked_tasks() {
      if (scope_)
        stop();
    }
    blocked_tasks(const blocked_tasks&) = delete;
    blocked_tasks& operator=(const blocked_tasks&) = delete;

    void stop() {
      scope_->request_stop();
      scope_.reset();
    }
    void close() {
      channel_.tx.close();
      scope_.reset();
    }

   private:
    roost::channel_ends<std::int64_t> channel_ = roost::make_channel<std::int64_t>();
    std::optional<roost::task_scope> scope_;
  };
};

class peer::channel_set::sending {
 public:
  explicit sending(const channel_set& set) : ends_(set.ends_) {}

  void send_any(std::int64_t item) const {
    const auto sent = [](roost::send_result result) { bench::check(bool(result), "not sent"); };
    roost::select(roost::on_send(ends_[0].tx, item, sent),
                  roost::on_send(ends_[1].tx, item, sent),
                  roost::on_send(ends_[2].tx, item, sent),
                  roost::on_send(ends_[3].tx, item, sent));
  }

 private:
  const std::vector<roost::channel_ends<std::int64_t>>& ends_;
};

class peer::channel_set::receiving {
 public:
  explicit receiving(const channel_set& set) : ends_(set.ends_) {
    if (ends_.size() != 4) {
      for (const auto& ends : ends_)
        all_.add(
            roost::on_receive(ends.rx, [this](const auto& result) { item_ = result.value(); }));
    }
  }

  std::int64_t receive_any() {
    if (ends_.size() == 4) {
      const auto keep = [this](const auto& result) { item_ = result.value(); };
      roost::select(roost::on_receive(ends_[0].rx, keep),
                    roost::on_receive(ends_[1].rx, keep),
                    roost::on_receive(ends_[2].rx, keep),
                    roost::on_receive(ends_[3].rx, keep));
    } else {
      all_.select();
    }
    return item_;
  }

 private:
  const std::vector<roost::channel_ends<std::int64_t>>& ends_;
  roost::selector all_;
  std::int64_t item_ = 0;
};

peer::channel_set::sending peer::channel_set::sender() const {
  return sending(*this);
}
peer::channel_set::receiving peer::channel_set::receiver() const {
  return receiving(*this);
}

} // namespace

int main(int argc, char** argv) {
  return bench::run<peer>(argc, argv);
}
