-- The bookings that `bench bookings` asks for, each by another customer; one JSON line at the end.
-- Arguments: what makes the customers of this round new, the number of the first slot and how many
-- slots there are, and the value of the Prefer header, if there is to be one.

local body = '{"slot_ids": ["00000000-0000-4000-8000-%012x"], "quantity": 1, "customer": '
  .. '{"email": "guest-%s-%d-%d@example.com", "full_name": "Ada Moreau", "phone": "+442079460000"}}'
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(arguments)
  round, first, slots = arguments[1], tonumber(arguments[2]), tonumber(arguments[3])
  count = 0
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  if arguments[4] then
    wrk.headers["Prefer"] = arguments[4]
  end
  math.randomseed(number)
end

function request()
  count = count + 1
  local slot = first + math.random(0, slots - 1)
  return wrk.format(nil, nil, nil, body:format(slot, round, number, count))
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"answers": %d, "seconds": %.6f, "refused": %d, "broken": %d, '
      .. '"p50_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3
  ))
end
