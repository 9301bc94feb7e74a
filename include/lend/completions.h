/* SPDX-License-Identifier: MIT
 *
 * Completion queues: how an event loop is told, on its own thread and without ever waiting.
 *
 *     lend_completions *queue;
 *     error = lend_completions_open(&queue);
 *     watch_for_input(loop, lend_completions_descriptor(queue));   // epoll, libuv, asyncio ...
 *     ...
 *     lend_completions_run(queue, 64);                             // whenever it is readable
 *
 * What was asked for with a queue (lend_acquire_later) is answered by a callback that
 * lend_completions_run calls. There may be any number of queues; whoever asks says which one the
 * answer comes to. Nothing here waits for anything but short locks: all of it works on a thread
 * that must not (lend/thread.h).
 *
 * An answer takes no memory that could be lacking, and is never lost: it stays in the queue until
 * the queue is run. A queue that nobody runs keeps the models that were lent to it. */
#ifndef LEND_COMPLETIONS_H
#define LEND_COMPLETIONS_H

#include <lend/base.h>
#include <lend/error.h>

LEND_BEGIN_DECLS

typedef struct lend_completions lend_completions;

/* EINVAL  ret_queue is NULL
 * EMFILE  no descriptor could be had
 * ENOMEM  no memory */
LEND_API LEND_NODISCARD int lend_completions_open(lend_completions **ret_queue);

/* Free a queue to which nothing will come any more. To empty it first:
 *
 *     struct pollfd news = {lend_completions_descriptor(queue), POLLIN, 0};
 *     while (lend_completions_close(queue) == EBUSY)
 *         if (poll(&news, 1, -1) == 1)
 *             lend_completions_run(queue, 64);
 *
 * which ends when each pending request has been answered: cancel those that would take too long, or
 * close their pool.
 *
 * 0           closed; also for NULL
 * EBUSY       an answer is still to come or in it, or another thread runs it
 * EDEADLK     called by one of its own callbacks
 * EOWNERDEAD  it belongs to the process that forked this one */
LEND_API LEND_NODISCARD int lend_completions_close(lend_completions *queue);

/* A descriptor that is readable exactly while answers are in the queue, for poll and its kin: look
 * for input, and do nothing else with it. It is closed with the queue, and by execve. A loop that
 * is told of changes only (EPOLLET) calls lend_completions_run until it returns 0, since the change
 * comes once, when the queue stops being empty. -1 for NULL, and for a queue of the process that
 * forked this one. */
LEND_API int lend_completions_descriptor(const lend_completions *queue);

/* Call back for what is in the queue, oldest first: at most `budget` answers, and no more
 * than there were when the call began. Returns how many. If more are left, the descriptor stays
 * readable.
 *
 * The callbacks run on the calling thread, one after another, outside every lock. They may do
 * whatever this thread may do: acquire, submit and cancel, with this queue or another. One that
 * ends its thread (pthread_exit, pthread_cancel) leaves the rest in the queue. A child that one
 * forks may return from it: it is called for nothing else.
 *
 * Any thread may run the queue, one at a time: 0 while another one does, from within a callback,
 * for NULL and for a queue of the process that forked this one. */
LEND_API uint32_t lend_completions_run(lend_completions *queue, uint32_t budget);

LEND_END_DECLS

#endif
