"""llama.cpp's own server on the CPU, until it is ended. Run as a file: it imports nothing of r1tool."""

import argparse
import signal
import sys


def main() -> None:
    parser = argparse.ArgumentParser(prog="embedded engine", allow_abbrev=False)
    parser.add_argument("--model", required=True)
    parser.add_argument("--alias", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--slots", type=int, required=True, help="concurrent requests")
    parser.add_argument("--context", type=int, default=2048, help="tokens per slot")
    options = parser.parse_args()
    try:
        import xllamacpp
    except ImportError as error:
        sys.exit(f"ImportError: {error}")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = options.model
    parameters.model_alias = {options.alias}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = options.port
    parameters.n_parallel = options.slots
    parameters.n_ctx = options.slots * options.context
    parameters.cpuparams.n_threads = options.threads
    parameters.cpuparams_batch.n_threads = options.threads
    parameters.endpoint_metrics = True
    parameters.warmup = False
    parameters.fit_params = False
    parameters.verbosity = 1
    # llama.cpp's own defaults (40 and 0.05) would narrow what temperature and top_p ask for
    parameters.sampling.top_k = 0
    parameters.sampling.min_p = 0.0
    server = xllamacpp.Server(parameters)
    print(f"listening on {server.listening_address}", file=sys.stderr)
    signal.pause()


if __name__ == "__main__":
    main()
