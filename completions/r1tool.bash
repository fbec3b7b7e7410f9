# bash completion for r1tool; made by python -m r1tool.manual
_r1tool() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "sample verify judge rank split stats push --help --version" -- "$current"))
    return
  fi
  case $command:$previous in
    sample:--engine) words="auto vllm sglang embedded" ;;
    sample:-z) words="zstd none" ;;
    sample:--compress) words="zstd none" ;;
    verify:--answers) words="any box" ;;
    verify:-z) words="zstd none" ;;
    verify:--compress) words="zstd none" ;;
    judge:--which) words="wrong all" ;;
    judge:--engine) words="auto vllm sglang embedded" ;;
    judge:-z) words="zstd none" ;;
    judge:--compress) words="zstd none" ;;
    rank:--among) words="correct all" ;;
    rank:-z) words="zstd none" ;;
    rank:--compress) words="zstd none" ;;
    split:--keep) words="any-correct all-correct none-correct complete verified judged" ;;
    split:--dedup) words="exact near" ;;
    split:--as) words="rows sft dpo kto grpo" ;;
    split:--select) words="s1k limo" ;;
    split:-z) words="zstd none" ;;
    split:--compress) words="zstd none" ;;
    stats:-z) words="zstd none" ;;
    stats:--compress) words="zstd none" ;;
    push:-z) words="zstd none" ;;
    push:--compress) words="zstd none" ;;
  esac
  if [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  [[ $current == -* ]] || return
  case $command in
    sample) words="-n --temperature --top-p --max-tokens --seed --prompt-template --system --completion --problem-field --id-field --sample-index-offset --until-correct --max-n --thinking-budget --wait --journal --resume --no-resume --dry-run --demo --engine --url -m --model --tp --pp --replicas --nodes --gpus --server-log --ready-timeout --concurrency --stall-timeout --retries -o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress" ;;
    verify) words="--timeout --gold --gold-from-solution --answers --explain --overwrite -o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress" ;;
    judge) words="--which --votes --prompt --constrained --free --spool --journal --resume --no-resume --engine --url -m --model --tp --pp --replicas --nodes --gpus --server-log --ready-timeout --concurrency --stall-timeout --retries -o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress" ;;
    rank) words="--by --among --seed -o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress" ;;
    split) words="-d --dir --only --by --fraction --keep --pass-rate --max-tokens --decontaminate --ngram --dedup --as --select --size --seed -o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress" ;;
    stats) words="--by --json --pass-at --majority --gpus --plot --html -o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress" ;;
    push) words="--config --private --card --no-card --recipe --max-shard-size --dry-run -o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _r1tool r1tool
