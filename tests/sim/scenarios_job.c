
#include "scenario.h"
const struct scenario job_scenarios[] = {{0}};
