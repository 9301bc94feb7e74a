// SPDX-License-Identifier: MIT
//
// Borrowing in C++: a class that gives its model back where it ends, can be moved, and throws where
// there is no model; and an executor that borrows for its jobs.
//
//     c++ lease.cc $(pkg-config --cflags --libs lend)
#include <cstdio>
#include <exception>
#include <lend/lend.h>
#include <new>
#include <string>
#include <system_error>
#include <utility>

namespace {

// The model: it works in memory of its own, so two threads must not have it at once.
struct Counter {
    std::string row;
    unsigned words(const std::string &text) {
        row = " " + text;
        unsigned count = 0;
        for (std::size_t i = 1; i < row.size(); i++)
            count += row[i - 1] == ' ' && row[i] != ' ';
        return count;
    }
};

// No exception may leave a callback or a job.
int load(void **ret_model, void *, lend_reason *reason) {
    *ret_model = new (std::nothrow) Counter;
    return *ret_model != nullptr ? 0 : lend_reason_set(reason, ENOMEM, "no memory for a counter");
}

void unload(void *model, void *) {
    delete static_cast<Counter *>(model);
}

// Either holds a model or was moved from.
class Lease {
  public:
    Lease(lend_pool *pool, lend_deadline deadline, const lend_site *site)
        : lease_(lend_acquire_at(pool, deadline, site)) {
        int error = lend_lease_error(&lease_);
        if (error == 0)
            return;
        char report[512];
        lend_lease_print(&lease_, report, sizeof report);
        lend_release(&lease_); // what throws in its constructor has no destructor
        throw std::system_error(error, std::generic_category(), report);
    }
    Lease(Lease &&other) noexcept : lease_(lend_lease_take(&other.lease_)) {
    }
    Lease &operator=(Lease &&other) noexcept {
        lend_lease taken = lend_lease_take(&other.lease_); // first, lest it be this one
        lend_release(&lease_);
        lease_ = taken;
        return *this;
    }
    ~Lease() {
        lend_release(&lease_);
    }
    Counter *operator->() const {
        return static_cast<Counter *>(lease_.model);
    }

  private:
    lend_lease lease_;
};

void borrow(lend_pool *pool) {
    Lease first(pool, lend_within_ms(500), LEND_HERE);
    Lease lease = std::move(first);
    std::printf("borrowed: %u words\n", lease->words("a borrowed model always comes back"));
    try {
        Lease second(pool, LEND_NOW, LEND_HERE);
    } catch (const std::system_error &error) { // what() has the report: who has it, since when
        std::printf("the only model is lent: %s\n", lend_errname(error.code().value()));
    }
}

struct Request {
    std::string text;
    unsigned words;
};

int count_words(void *model, void *argument, lend_job *job) {
    Request *request = static_cast<Request *>(argument);
    try {
        request->words = static_cast<Counter *>(model)->words(request->text);
    } catch (const std::bad_alloc &) {
        return lend_job_explain(job, ENOMEM, "no memory for %zu bytes", request->text.size());
    }
    return 0;
}

int submit_and_join(lend_executor *executor, Request *request) {
    lend_job_spec job{};
    job.size = sizeof job;
    job.run = count_words;
    job.argument = request;
    lend_future *future = nullptr;
    int error = lend_submit_at(executor, &job, &future, LEND_HERE);
    if (error != 0)
        return error;
    error = lend_future_join(future, LEND_FOREVER); // the request is the job's until then
    if (error == 0)
        error = lend_future_error(future);
    lend_future_drop(future);
    return error;
}

int run_a_job(lend_pool *pool) {
    lend_executor_options options{};
    options.size = sizeof options;
    options.pool = pool;
    lend_executor *executor = nullptr;
    int error = lend_executor_open(&executor, &options);
    if (error != 0)
        return error;
    Request request = {"a wait always ends", 0};
    error = submit_and_join(executor, &request);
    std::printf("in a job: %u words\n", request.words);
    int not_closed = lend_executor_close(executor, lend_within_ms(5000));
    return error != 0 ? error : not_closed;
}

} // namespace

int main() {
    lend_model_ops ops{};
    ops.size = sizeof ops;
    ops.load = load;
    ops.unload = unload;
    lend_reason reason{};
    lend_pool_options options{};
    options.size = sizeof options;
    options.ops = &ops;
    options.models = 1;
    options.reason = &reason;
    lend_pool *pool = nullptr;
    if (lend_pool_open(&pool, &options) != 0) {
        std::fprintf(stderr, "no pool: %s\n", reason.text);
        return 1;
    }
    int error = 0;
    try {
        borrow(pool);
        error = run_a_job(pool);
    } catch (const std::exception &failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        error = 1;
    }
    int not_closed = lend_pool_close(pool, lend_within_ms(5000), nullptr);
    return error == 0 && not_closed == 0 ? 0 : 1;
}
