#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "plugins/abi/weir.h"

namespace weir::test {

// A codec of a protocol that a test can write by hand, multiplexed, the same in both positions. A
// line is a letter, the stream's number (one digit) and '\n':
//   H1 a head · I1 an interim head · F1 a head that is all · D1<n> n bytes of body follow (up to 9,
//   or "D1*<text>\n": the text) · E1 the end · T1 trailers · R1 a reset · S1 stop sending · X0 an
//   error of the connection · X1 one of stream 1, with status 400, x1 without · G0 goaway · B0
//   everything after this waits until `unblock` is called · M5 room for 5 streams from now on · C0
//   close after what is queued
// Output has the same form, the letters in lower case; bodies as "d1*<text>\n".
class ScriptedCodec {
 public:
  struct Stream {
    weir_stream* user = nullptr;
    bool ready = false;
    bool open = true;
  };

  static ScriptedCodec* last;  // the one made last, for the test to look at

  explicit ScriptedCodec(const weir_codec_params& params) : made(params), host_(params.codec_host) {
    last = this;
  }
  ~ScriptedCodec() {
    if (last == this) last = nullptr;
  }

  size_t Receive(uint8_t* data, size_t size, uint32_t flags, weir_event* event) {
    event->type = WEIR_EVENT_NONE;
    shown.push_back(size);
    for (size_t i = 0; i < 64; ++i) sum += data[size + i];  // what follows the span can be read
    if ((flags & WEIR_RECEIVE_EOF) != 0) saw_eof = true;
    if (overdue != 0) {
      event->type = WEIR_EVENT_RESET;
      event->stream = overdue;
      event->user = streams[overdue].user;
      event->error.reason = WEIR_REASON_TIMEOUT;
      streams.erase(overdue);
      overdue = 0;
      return 0;
    }
    if (blocked) {
      if (size > 0) event->type = WEIR_EVENT_BLOCKED;
      return 0;
    }
    const void* newline = size == 0 ? nullptr : std::memchr(data, '\n', size);
    if (newline == nullptr) {
      if (size > 0 && (flags & WEIR_RECEIVE_EOF) != 0) return Truncated(size, event);
      return 0;
    }
    const auto used = static_cast<size_t>(static_cast<const uint8_t*>(newline) - data) + 1;
    if (data[0] == 'M') {
      capacity = static_cast<uint32_t>(data[1] - '0');
      return used + (used == size ? 0 : Receive(data + used, size - used, flags, event));
    }
    Line(data, used, event);
    return used;
  }

  uint32_t Open(weir_stream* user) {
    if (capacity == 0 || going) return 0;
    --capacity;
    streams[++next_] = Stream{user};
    return next_;
  }

  void Say(char letter, uint32_t stream, weir_out* out) {
    const char text[] = {letter, static_cast<char>('0' + stream), '\n'};
    Put(text, sizeof text, out);
  }

  uint32_t Produce(uint64_t budget, weir_out* out) {
    ++produced;
    uint32_t result = 0;
    for (auto& [id, stream] : streams) {
      if (!stream.open || !stream.ready || stream.user == nullptr || hold_body) continue;
      if (budget == 0) return result | WEIR_PRODUCED_MORE;
      stream.ready = false;
      weir_body_info info;
      host_->body(stream.user, &info);
      const uint64_t n = std::min({info.available, budget, most_per_produce});
      if (n > 0) {
        const char start[] = {'d', static_cast<char>('0' + id), '*'};
        Put(start, sizeof start, out);
        host_->take_body(stream.user, out, n);
        Put("\n", 1, out);
        budget -= n;
      }
      if (n < info.available) {
        stream.ready = true;
        result |= WEIR_PRODUCED_MORE;
      } else if (info.end != 0) {
        Say('e', id, out);
      } else if (info.trailers != 0 && host_->trailers(stream.user) != nullptr) {
        Say('t', id, out);
      }
    }
    if (overdue != 0) result |= WEIR_PRODUCED_EVENTS;
    if (full) result |= WEIR_PRODUCED_FULL;
    if (close) result |= WEIR_PRODUCED_CLOSE;
    if (half) result |= WEIR_PRODUCED_CLOSE | WEIR_PRODUCED_HALF;
    return result;
  }

  void Put(const char* data, size_t size, weir_out* out) {
    host_->out_room(out, size);
    std::memcpy(out->at, data, size);
    out->at += size;
  }

  static const weir_codec_api* Api(bool multiplexed = true);
  // One that has deadlines; a tick writes "w0\n".
  static weir_codec_api TimedApi(bool multiplexed = true);

  std::map<uint32_t, Stream> streams;
  std::vector<size_t> shown;
  std::string resets;  // "1:3 ": the host reset stream 1 for reason 3
  uint64_t consumed = 0;
  uint32_t overdue = 0;  // a stream that the codec has ended by itself; the host is to be told
  uint64_t most_per_produce = UINT64_MAX;
  static inline uint32_t first_capacity = 100;  // of those made from now on
  uint32_t capacity = first_capacity;
  uint64_t deadline = 0;   // TimedApi: when it wants to be called
  std::string ticks;       // "1010 ": it was called then
  weir_codec_params made;  // as it was made
  int produced = 0;
  unsigned sum = 0;
  bool blocked = false;
  bool hold_body = false;
  bool full = false;  // the window of the connection is used up
  bool close = false;
  bool going = false;  // the peer said that it takes no new streams
  bool half = false;
  bool saw_eof = false;

 private:
  size_t Truncated(size_t size, weir_event* event) {
    event->type = WEIR_EVENT_ERROR;
    event->error.reason = WEIR_REASON_TRUNCATED;
    event->error.scope = WEIR_SCOPE_CONNECTION;
    return size;
  }

  void Line(uint8_t* data, size_t used, weir_event* event) {
    const auto id = static_cast<uint32_t>(data[1] - '0');
    event->stream = id;
    event->user = streams.count(id) != 0 ? streams[id].user : nullptr;
    switch (data[0]) {
      case 'H':
      case 'F':
        return Head(WEIR_HEAD_REQUEST, data[0] == 'F', event);
      case 'I':
        return Head(WEIR_HEAD_INTERIM, false, event);
      case 'D':
        event->type = WEIR_EVENT_DATA;
        event->data = data + 3;
        event->size = used - 4;
        return;
      case 'E':
        event->type = WEIR_EVENT_END;
        return;
      case 'T':
        Head(WEIR_HEAD_TRAILERS, false, event);
        event->type = WEIR_EVENT_TRAILERS;
        return;
      case 'R':
        event->type = WEIR_EVENT_RESET;
        event->error.reason = WEIR_REASON_REMOTE_RESET;
        streams.erase(id);
        return;
      case 'S':
        event->type = WEIR_EVENT_STOP_SENDING;
        return;
      case 'X':
      case 'x':
        event->type = WEIR_EVENT_ERROR;
        event->error.reason = WEIR_REASON_PROTOCOL;
        event->error.scope = id == 0 ? WEIR_SCOPE_CONNECTION : WEIR_SCOPE_STREAM;
        event->error.status = id == 0 || data[0] == 'x' ? 0 : 400;
        return;
      case 'G':
        going = true;
        event->type = WEIR_EVENT_GOAWAY;
        event->last_stream = 1;
        return;
      case 'B':
        blocked = true;
        event->type = WEIR_EVENT_BLOCKED;
        return;
      default:
        close = true;
    }
  }

  void Head(uint8_t kind, bool end, weir_event* event) {
    head_ = weir_head{};
    head_.struct_size = sizeof head_;
    head_.kind = kind;
    head_.method = {"GET", 3};
    head_.path = {"/", 1};
    event->type = WEIR_EVENT_HEAD;
    event->head = &head_;
    event->end_stream = end;
  }

  const weir_codec_host* host_;
  weir_head head_{};
  uint32_t next_ = 0;
};

inline ScriptedCodec* ScriptedCodec::last = nullptr;

inline const weir_codec_api* ScriptedCodec::Api(bool multiplexed) {
  static const auto self = [](weir_codec* codec) {
    return reinterpret_cast<ScriptedCodec*>(codec);
  };
  static const auto make = [](uint32_t flags) {
    weir_codec_api api{};
    api.struct_size = sizeof api;
    api.flags = flags;
    api.create = [](const weir_codec_params* params) {
      return reinterpret_cast<weir_codec*>(new ScriptedCodec(*params));
    };
    api.destroy = [](weir_codec* codec) { delete self(codec); };
    api.receive = [](weir_codec* codec, uint8_t* data, size_t size, uint32_t f, weir_event* event) {
      return self(codec)->Receive(data, size, f, event);
    };
    api.adopt = [](weir_codec* codec, uint32_t stream, weir_stream* user) {
      self(codec)->streams[stream] = Stream{user};
    };
    api.open = [](weir_codec* codec, weir_stream* user) { return self(codec)->Open(user); };
    api.send_head = [](weir_codec* codec, uint32_t stream, const weir_head*, uint32_t end,
                       weir_out* out) -> int32_t {
      self(codec)->Say(end != 0 ? 'f' : 'h', stream, out);
      return WEIR_OK;
    };
    api.ready = [](weir_codec* codec, uint32_t stream) {
      self(codec)->streams[stream].ready = true;
    };
    api.consumed = [](weir_codec* codec, uint32_t, uint32_t size) {
      self(codec)->consumed += size;
    };
    api.reset = [](weir_codec* codec, uint32_t stream, uint32_t reason, weir_out* out) {
      self(codec)->resets += std::to_string(stream) + ":" + std::to_string(reason) + " ";
      self(codec)->streams.erase(stream);
      self(codec)->Say('r', stream, out);
    };
    api.produce = [](weir_codec* codec, uint64_t budget, weir_out* out) {
      return self(codec)->Produce(budget, out);
    };
    api.goaway = [](weir_codec* codec, uint32_t phase, weir_out* out) {
      self(codec)->Say('g', phase, out);
    };
    api.capacity = [](const weir_codec* codec) {
      const auto* const self_ = reinterpret_cast<const ScriptedCodec*>(codec);
      return self_->going ? 0 : self_->capacity;
    };
    api.reusable = [](const weir_codec* codec) -> uint32_t {
      const auto* const self_ = reinterpret_cast<const ScriptedCodec*>(codec);
      return self_->close || self_->going ? 0 : 1;
    };
    return api;
  };
  static const weir_codec_api one = make(0);
  static const weir_codec_api many = make(WEIR_CODEC_API_MULTIPLEXED);
  return multiplexed ? &many : &one;
}

inline weir_codec_api ScriptedCodec::TimedApi(bool multiplexed) {
  weir_codec_api api = *Api(multiplexed);
  api.deadline = [](const weir_codec* codec) {
    return reinterpret_cast<const ScriptedCodec*>(codec)->deadline;
  };
  api.tick = [](weir_codec* codec, uint64_t now_ms, weir_out* out) {
    auto* const self = reinterpret_cast<ScriptedCodec*>(codec);
    self->ticks += std::to_string(now_ms) + " ";
    self->Say('w', 0, out);
  };
  return api;
}

}  // namespace weir::test
