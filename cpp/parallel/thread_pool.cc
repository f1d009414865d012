#include "parallel/thread_pool.h"

#include <cstdint>

#if defined(__APPLE__)
#include <pthread/qos.h>
#endif

namespace muzero::parallel {
namespace {

// Otherwise macOS may put a worker on an efficiency core, and the others wait for it.
void ask_for_a_fast_core() {
#if defined(__APPLE__)
  pthread_set_qos_class_self_np(QOS_CLASS_USER_INTERACTIVE, 0);
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) : shares_(threads) {
  for (int share = 1; share < threads; ++share) {
    workers_.emplace_back([this, share] { serve(share); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::for_each(int count, const std::function<void(int)>& work) {
  if (workers_.empty()) {
    for (int i = 0; i < count; ++i) work(i);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    count_ = count;
    running_ = static_cast<int>(workers_.size());
    ++round_;
  }
  start_.notify_all();
  run_share(0);
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return running_ == 0; });
}

void ThreadPool::run_share(int share) const {
  const auto bound = [this](int s) { return static_cast<int>(std::int64_t{count_} * s / shares_); };
  for (int i = bound(share); i < bound(share + 1); ++i) (*work_)(i);
}

void ThreadPool::serve(int share) {
  ask_for_a_fast_core();
  unsigned long served = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    start_.wait(lock, [&] { return stopping_ || round_ != served; });
    if (stopping_) return;
    served = round_;
    lock.unlock();
    run_share(share);
    lock.lock();
    if (--running_ == 0) done_.notify_one();
  }
}

}  // namespace muzero::parallel
