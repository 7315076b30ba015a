package demo;

public class Other {
    static String run() {
        return "old";
    }
}
