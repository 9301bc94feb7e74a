// SPDX-License-Identifier: MIT
//
// A C++ exception past a borrow: a guard gives the lease back on the way, and a plain lease is left
// to the end of its thread.
#include <lend/lend.h>
#include <stdexcept>
#include <thread>

namespace {

int load(void **ret_model, void *context, lend_reason *) {
    *ret_model = context;
    return 0;
}

void unload(void *, void *) {
}

// What a C++ program writes around a lease.
class Lease {
  public:
    explicit Lease(lend_pool *pool) : lease_(lend_acquire(pool, LEND_NOW)) {
    }
    ~Lease() {
        lend_release(&lease_);
    }
    Lease(const Lease &) = delete;
    Lease &operator=(const Lease &) = delete;

  private:
    lend_lease lease_;
};

uint32_t free_models(lend_pool *pool) {
    lend_pool_stats stats;
    return lend_pool_stats_get(pool, &stats) == 0 ? stats.free : 0;
}

bool throws_past_a_guard(lend_pool *pool) {
    try {
        Lease lease(pool);
        throw std::runtime_error("the page is torn");
    } catch (const std::runtime_error &) {
        return free_models(pool) == 1;
    }
}

bool throws_past_a_plain_lease(lend_pool *pool) {
    std::thread thread([pool] {
        try {
            lend_lease lease = lend_acquire(pool, LEND_NOW);
            if (lend_lease_ok(&lease))
                throw std::runtime_error("the page is torn");
        } catch (const std::runtime_error &) {
        }
    });
    thread.join();
    return free_models(pool) == 1;
}

} // namespace

int main() {
    int object = 0;
    lend_pool *pool = nullptr;
    lend_model_ops ops = {};
    ops.size = sizeof ops;
    ops.load = load;
    ops.unload = unload;
    lend_pool_options options = {};
    options.size = sizeof options;
    options.ops = &ops;
    options.ops_context = &object;
    options.models = 1;
    if (lend_pool_open(&pool, &options) != 0)
        return 1;
    if (!throws_past_a_guard(pool))
        return 2;
    if (!throws_past_a_plain_lease(pool))
        return 3;
    return lend_pool_close(pool, LEND_NOW, nullptr) == 0 ? 0 : 4;
}
