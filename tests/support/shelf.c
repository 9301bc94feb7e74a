/* SPDX-License-Identifier: MIT
 *
 * The shelf is a pool of fakes and all that goes with it. */
#include "support/shelf.h"

void shelf_open(struct shelf *shelf, uint32_t models) {
    *shelf = (struct shelf){0};
    events_init(&shelf->events);
    gate_init(&shelf->gate);
    shelf->pool = fakes_pool(&shelf->fakes, .models = models, .sink = events_record,
                             .sink_context = &shelf->events);
}

void shelf_close(struct shelf *shelf) {
    fakes_close(&shelf->fakes, shelf->pool);
    events_deinit(&shelf->events);
    gate_deinit(&shelf->gate);
}
