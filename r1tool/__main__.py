from r1tool.cli import main

main()
