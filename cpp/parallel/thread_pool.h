// A pool of persistent threads that divide a loop among them.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace muzero::parallel {

// Runs a loop in equal consecutive shares, one per thread; the caller runs the first share.
// The threads do not survive fork(): create the pool in the process that uses it.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int shares() const { return shares_; }

  // Calls work(i) once for every i in [0, count) and returns when all are done. It must not throw.
  void for_each(int count, const std::function<void(int)>& work);

 private:
  void run_share(int share) const;
  void serve(int share);

  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable done_;
  const std::function<void(int)>* work_ = nullptr;
  int count_ = 0;
  int shares_;
  int running_ = 0;
  unsigned long round_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace muzero::parallel
