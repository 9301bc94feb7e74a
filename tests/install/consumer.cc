// SPDX-License-Identifier: MIT
//
// C++ has the functions, not the words of <lend/scope.h> and not the macros that fill structs.
#include <lend/lend.h>
#include <memory>
#include <string>

namespace {

int load(void **ret_model, void *, lend_reason *) {
    *ret_model = new std::string("lent");
    return 0;
}

void unload(void *model, void *) {
    delete static_cast<std::string *>(model);
}

int measure(void *model, void *argument, lend_job *) {
    *static_cast<std::size_t *>(argument) = static_cast<std::string *>(model)->size();
    return 0;
}

int run_a_job(lend_pool *pool) {
    lend_executor_options options{};
    options.size = sizeof options;
    options.pool = pool;
    lend_executor *executor = nullptr;
    if (lend_executor_open(&executor, &options) != 0)
        return 1;
    std::size_t length = 0;
    lend_job_spec job{};
    job.size = sizeof job;
    job.run = measure;
    job.argument = &length;
    lend_future *future = nullptr;
    if (lend_submit(executor, &job, &future) != 0)
        return 2;
    bool done = lend_future_join(future, lend_within_ms(5000)) == 0 && length == 4;
    lend_future_drop(future);
    return lend_executor_close(executor, lend_within_ms(5000)) == 0 && done ? 0 : 3;
}

int borrow(lend_pool *pool) {
    lend_lease lease = lend_acquire_at(pool, LEND_NOW, LEND_HERE);
    std::unique_ptr<lend_lease, decltype(&lend_release)> guard(&lease, lend_release);
    return lend_lease_ok(&lease) ? 0 : lend_lease_error(&lease);
}

} // namespace

int main() {
    lend_model_ops ops{};
    ops.size = sizeof ops;
    ops.load = load;
    ops.unload = unload;
    lend_pool_options options{};
    options.size = sizeof options;
    options.ops = &ops;
    options.models = 1;
    lend_pool *pool = nullptr;
    if (lend_pool_open(&pool, &options) != 0)
        return 1;
    int error = run_a_job(pool) + borrow(pool);
    return lend_pool_close(pool, lend_within_ms(5000), nullptr) + error;
}
