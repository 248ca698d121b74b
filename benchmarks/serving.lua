-- People who search: each waits about a second between an answer and the next question.
local moods = {"calm", "happy", "sad", "dark", "energetic", "dreamy", "aggressive", "tender", "epic", "warm", "gloomy"}
local genres = {"jazz", "rock", "techno", "folk", "metal", "ambient", "soul", "funk", "house", "blues", "punk", "reggae"}
local sounds = {"piano", "guitar", "violin", "synth", "drums", "flute", "saxophone", "strings", "organ", "female vocals"}
local n = 0

function init(args)
  math.randomseed(os.time())
  pause = tonumber(args[1])
end

local function pick(from) return from[math.random(#from)] end

function request()
  n = n + 1
  local words = pick(moods) .. " " .. pick(genres) .. " with " .. pick(sounds) .. " and " .. pick(sounds)
  if n % 3 == 0 then words = words .. " without " .. pick(sounds) end
  if n % 5 == 0 then words = "something " .. pick(moods) .. " for a rainy evening, " .. pick(genres) end
  return wrk.format("GET", "/api/search?limit=20&q=" .. words:gsub(" ", "+"))
end

function delay() return pause > 0 and math.random(pause / 2, pause * 3 / 2) or 0 end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"p50": %.1f, "p95": %.1f, "p99": %.1f, "most": %.1f, "searches": %d, "a_second": %.1f, "errors": %d}\n',
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    summary.requests, summary.requests / (summary.duration / 1e6), e.connect + e.read + e.write + e.status + e.timeout))
end
